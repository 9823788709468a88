"""What a clip keeps of its picture, all the way."""
