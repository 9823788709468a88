"""What all pages for people have in common: one offline file, one look by day and by night, nothing from elsewhere."""
