"""Reads one figure of every object with haproxyadmin, once for each line of the input.

Prints the seconds, and the number of objects.
"""

import sys
import time

from haproxyadmin import haproxy

for line in sys.stdin:
    start = time.perf_counter()
    cluster = haproxy.HAProxy(socket_dir=sys.argv[1])
    objects = 0
    for each in cluster.frontends(), cluster.backends(), cluster.servers():
        for one in each:
            one.metric('stot')
            objects += 1
    print(time.perf_counter() - start, objects, flush=True)
