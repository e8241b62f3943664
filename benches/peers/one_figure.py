"""Reads one figure of many objects with haproxyadmin, once for each line of the input.

The line is `requests` for the requests of every object, or `weights` for the weight of every server.
Prints the seconds, and the number of objects.
"""

import sys
import time

from haproxyadmin import haproxy

for line in sys.stdin:
    figure = line.strip()
    start = time.perf_counter()
    cluster = haproxy.HAProxy(socket_dir=sys.argv[1])
    objects = 0
    for server in cluster.servers():
        if figure == 'weights':
            server.weight
        else:
            server.metric('stot')
        objects += 1
    if figure == 'requests':
        for each in cluster.frontends(), cluster.backends():
            for one in each:
                one.metric('stot')
                objects += 1
    print(time.perf_counter() - start, objects, flush=True)
