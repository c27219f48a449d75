"""What browsers get from this app: pictures, the import page, the form for a label's texts."""
