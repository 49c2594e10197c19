"""A seeded training with workers that load, until SIGTERM; a line "loss STEP HEX" for each step, which is the same in every run."""
import signal
import sys
import time

import torch
from torch.utils.data import DataLoader, Dataset

PACE = 0.05  # seconds a step at least, so that there is time to be moved in


class Waves(Dataset):
    def __len__(self):
        return 1 << 20

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        points = torch.randn(64, generator=generator)
        return points, torch.sin(points * 3).sum(0, keepdim=True)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    torch.manual_seed(7)
    torch.set_num_threads(2)
    model = torch.nn.Sequential(torch.nn.Linear(64, 256), torch.nn.Tanh(), torch.nn.Dropout(0.1), torch.nn.Linear(256, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loader = DataLoader(Waves(), batch_size=32, shuffle=True, num_workers=2, prefetch_factor=2)
    for step, (points, wanted) in enumerate(loader, 1):
        began = time.monotonic()
        loss = torch.nn.functional.mse_loss(model(points), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print("loss", step, float(loss).hex(), flush=True)
        time.sleep(max(0, PACE - (time.monotonic() - began)))


if __name__ == "__main__":
    main()
