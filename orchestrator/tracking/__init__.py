"""A sweep in the tools that people watch experiments with: Weights & Biases, MLflow, TensorBoard.

Each tool that the search space file names has a process of its own, which is told which trials have
changed, reads their rows from the store, and writes what the tool lacks. The store is the truth: a
tool can fail, hang or be restarted, and the sweep neither waits nor loses anything. The rows
themselves are `store`'s; an Optuna study for `optuna-dashboard` is `results`'.
"""
