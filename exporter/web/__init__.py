"""What is asked of us over HTTP; nothing here ever asks a vendor."""
