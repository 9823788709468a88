"""Tools for agents over the Model Context Protocol: on a pipe of this machine, and over HTTP beside the API."""
