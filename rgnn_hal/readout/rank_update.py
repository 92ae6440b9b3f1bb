"""X^T X added to a Gram matrix by BLAS, while other threads go on.

SciPy's wrapper of dsyrk keeps Python's lock, so that two threads with a Gram matrix each (4,380
columns) reach 31 to 33 GF/s together, where one reaches 28 to 37. The same dsyrk called without the
lock: 67, where one reaches 37.
"""

import ctypes

import numpy as np
from scipy import LowLevelCallable
from scipy.linalg import cython_blas

_ARGUMENTS = 10


def _address(name: str) -> int:
    """Of a function that SciPy gives to other compiled code."""
    capsule = LowLevelCallable.from_cython(cython_blas, name)
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    address: int = get(capsule.function, capsule.signature.encode())
    return address


_dsyrk = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * _ARGUMENTS)(_address("dsyrk"))


def add_gram(block: np.ndarray, gram: np.ndarray) -> None:
    """Add the upper triangle of block^T block to that of `gram`, in place.

    Args:
        block: (rows, columns), float64, C order.
        gram: (columns, columns), float64, Fortran order.

    Raises:
        ValueError: not so.
    """
    rows, columns = block.shape
    fits = block.flags.c_contiguous and gram.flags.f_contiguous and gram.flags.writeable
    if not fits or block.dtype != np.float64 or gram.dtype != np.float64:
        raise ValueError("rows are taken in C order and Gram matrices in Fortran order, in float64")
    if gram.shape != (columns, columns):
        raise ValueError(f"a Gram matrix {gram.shape} is not that of rows of {columns} columns")
    # Integers of 32 bits are the first half of those of 64, which some builds of BLAS take.
    n, k, one = ctypes.c_int64(columns), ctypes.c_int64(rows), ctypes.c_double(1.0)
    upper, plain = ctypes.c_char(b"U"), ctypes.c_char(b"N")
    # Rows in C order are their transpose in Fortran order, with n as the leading dimension.
    arguments = (upper, plain, n, k, one, block, n, one, gram, n)
    _dsyrk(
        *(a.ctypes.data if isinstance(a, np.ndarray) else ctypes.addressof(a) for a in arguments)
    )
