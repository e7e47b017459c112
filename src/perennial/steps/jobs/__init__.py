"""What runs in the workshop's processes: fits, and first loads. A job gets JSON and a folder, and returns JSON."""
