"""Loads the tables of a visuals folder as the Python package's notebook does; prints the milliseconds."""

import os
import sys
import time

import torch

root = sys.argv[1]
start = time.perf_counter()
tables = [torch.load(os.path.join(root, f"{name}.pt"), map_location="cpu", weights_only=True)
          for name in ("top_values", "top_img_i", "sparsity", "mean_values")]
print(1000 * (time.perf_counter() - start))
