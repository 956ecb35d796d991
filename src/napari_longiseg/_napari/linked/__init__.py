"""The scans kept at the same anatomy, and the cross-hair on all of them."""
