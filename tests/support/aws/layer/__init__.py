"""A thin layer in front of moto; see the README beside `server.py`."""
