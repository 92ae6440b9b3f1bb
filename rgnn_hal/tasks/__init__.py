"""Scientific tasks: each learns a quantity of atoms from a reservoir that a macro holds."""
