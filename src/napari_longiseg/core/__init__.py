"""Values and science on numpy and scipy.

Arrays are ``(z, y, x)``. Points are millimetres in patient space (LPS axes), in array order ``(z, y, x)``:
the first component grows towards the head (S), the second towards the back (P), the third towards the
patient's left (L).
"""
