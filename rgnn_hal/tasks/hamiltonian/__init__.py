"""Hamiltonians: electronic structure in an atomic basis, from a frozen equivariant reservoir."""
