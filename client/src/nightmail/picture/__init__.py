"""An alert to look at: its light curve and cutouts."""
