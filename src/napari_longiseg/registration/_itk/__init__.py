"""What the classical registrations are made of; SimpleITK is imported when something is aligned."""
