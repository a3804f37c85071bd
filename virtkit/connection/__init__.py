"""A running libvirt as input: its domains, and the host that it describes. Read only; needs libvirt-python.

``virtkit.connection.live.connect`` opens a connection; importing this package imports nothing else.
"""
