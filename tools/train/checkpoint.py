# SPDX-License-Identifier: Apache-2.0
"""State dicts as safetensors (own reader and writer: python3-safetensors is not in Debian 12)."""
import json
import os
import struct

import numpy as np
import torch

NAMES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}
TYPES = {"F32": np.float32, "F16": np.float16}  # that are read: what the trainings write


def tensor_bytes(t):
    return (t.view(torch.int16) if t.dtype == torch.bfloat16 else t).numpy().tobytes()


def save_safetensors(state, path, dtype=torch.float16):
    header, blobs, offset = {"__metadata__": {"format": "pt"}}, [], 0
    for name in sorted(state):
        t = state[name].detach().to("cpu", dtype).contiguous()
        blob = tensor_bytes(t)
        header[name] = {"dtype": NAMES[dtype], "shape": list(t.shape), "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".tmp", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for blob in blobs:
            f.write(blob)
    os.replace(path + ".tmp", path)


def load_safetensors(path):
    """Every tensor in fp32."""
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    state = {}
    for name, entry in json.loads(data[8:8 + size]).items():
        if name != "__metadata__":
            begin, end = (8 + size + x for x in entry["data_offsets"])
            values = np.frombuffer(data[begin:end], TYPES[entry["dtype"]]).astype(np.float32)
            state[name] = torch.from_numpy(values).reshape(entry["shape"])
    return state
