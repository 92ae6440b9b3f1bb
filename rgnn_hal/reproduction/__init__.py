"""The paper's table beside ours: each number measured, modelled or quoted, and saying which.

`run` goes through the sections (`forces`, `hamiltonian`, `wavefunction`), `cell` is what a number
must bring along, `settings` are the sizes; `first_principles`, `backpropagation` and `hardware` are
what is compared with.
"""
