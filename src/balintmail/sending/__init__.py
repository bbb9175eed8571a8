"""An envelope and bytes become an Outcome; knows no database and no list."""
