"""`scpi://`: a macro behind a controller that speaks the dialect of `rgnn_hal_firmware/scpi`.

    scpi://192.168.1.5                    raw TCP, port 5025 by default
    scpi://?resource=TCPIP::bench::INSTR&backend=@ivi
                                          whatever VISA reaches
    &timeout_s=5                          for what takes the device no time
    &watchdog_s=10                        silence after which the device grounds the array; 0: never
    &lock_wait_s=0.5                      how long to wait for an owner that is just leaving
    &identity=chip40nm-...                refuse any other chip

One verb is one exchange. The connection owns the array from opening to closing. A connection that
is lost closes the macro, after the array was grounded through a new one; nothing is sent twice and
nothing reconnects by itself. An error comes within the operation's time-out (`durations`) and
four times `timeout_s` for resynchronising and grounding.

`options` reads the address, `device` the first exchanges, `commands` and `answers` are the two
directions of the dialect, `errors` its numbers; `link` makes exchanges of them, `keep_alive` keeps
the watchdog calm, `driver` is the macro.
"""

from rgnn_hal_drivers.scpi.driver import ScpiDriver

__all__ = ["ScpiDriver"]
