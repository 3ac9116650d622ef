"""What a network costs, and the least time that it can take on a device: a roofline."""
