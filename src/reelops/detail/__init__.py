"""The picture's own detail, carried along the motion of a clip that is smaller or softer than its picture."""
