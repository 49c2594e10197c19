"""Holds on to a TCP socket that its peer has reset, and counts: a line for each step. Argument: the file for the lines."""
import socket
import struct
import sys
import time

listener = socket.create_server(("127.0.0.1", 0))
held = socket.create_connection(listener.getsockname())
peer, _ = listener.accept()
peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
peer.close()
listener.close()

with open(sys.argv[1], "w", buffering=1) as log:
    number = 0
    while True:
        number += 1
        try:
            held.send(b"x")
            state = "connected"
        except OSError as error:
            state = error.strerror
        print(number, state, sep="\t", file=log)
        time.sleep(0.05)
