"""What Slugline is made of: an audit of the locked dependencies, and a bill of materials for the image."""
