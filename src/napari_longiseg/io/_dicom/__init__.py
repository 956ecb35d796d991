"""Series of DICOM files, and spatial registrations."""
