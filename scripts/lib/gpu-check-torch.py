"""A training loop whose losses are the same, bit for bit, in every run: prints "step loss" with the loss as hexadecimal."""
import os
import sys

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
import torch  # noqa: E402 (the variable comes first)

steps, pause = int(sys.argv[1]), float(sys.argv[2])
torch.manual_seed(1)
torch.use_deterministic_algorithms(True)
model = torch.nn.Sequential(torch.nn.Linear(512, 2048), torch.nn.ReLU(), torch.nn.Linear(2048, 512)).cuda()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
inputs = torch.randn(256, 512, device="cuda")
targets = torch.randn(256, 512, device="cuda")
import time  # noqa: E402

for step in range(steps):
    optimizer.zero_grad()
    loss = torch.nn.functional.mse_loss(model(inputs), targets)
    loss.backward()
    optimizer.step()
    print(step, float(loss).hex(), flush=True)
    time.sleep(pause)
print("end", flush=True)
