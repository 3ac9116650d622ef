"""How a picture is cut into what a network is shown."""
