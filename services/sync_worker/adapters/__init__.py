"""What the operations stand on: vendors, databases and the job tracker, behind the ports."""
