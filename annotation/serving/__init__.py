"""What runs the site on a machine: servers, web, queue, command line."""
