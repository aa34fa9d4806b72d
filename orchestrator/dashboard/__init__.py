"""A running sweep in Prometheus and Grafana: the names of its metrics, and a board that shows them.

Nothing here imports Ray, which exports the metrics (`orchestrator.ray_tune.metrics`).
"""
