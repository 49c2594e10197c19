"""A pool of processes computes; each result goes into a chain that shows whether one was lost, made twice or wrong."""
import hashlib
import multiprocessing
import time


def square(number):
    return number * number


if __name__ == "__main__":
    chain = b""
    with multiprocessing.Pool(3) as pool:
        number = 0
        while True:
            for result in pool.map(square, range(number, number + 8)):
                chain = hashlib.sha256(chain + str(result).encode()).digest()
            number += 8
            print("computed", number, chain.hex(), flush=True)
            time.sleep(0.05)
