"""Upstreams that the gateway runs itself, on loopback: a simulator and a small real model.

Scenario    how the simulator shall behave, read from a model id            (scenario.py)
Simulator   an OpenAI-compatible server that behaves as asked               (simulator.py)
  its parts: HTTP in (request.py, connection.py), what it reads (asked.py), what it says
  (answer.py, embedding.py), on the wire (chunks.py), paced and broken on purpose (performance.py)
LocalModel  SmolLM2-135M-Instruct in a child process, kept running          (model.py)
  its parts: its port (port.py), restarts (supervisor.py), one run of the child (child.py),
  the child itself (model_server.py)
"""
