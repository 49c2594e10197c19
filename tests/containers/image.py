#!/usr/bin/env python3
"""image.py OUT NAME [--rootfs DIRECTORY] [--add FILE=PATH]... [--directory PATH]... [-- COMMAND...]

Writes an OCI image layout tar with one layer: a directory's contents, or files put one by one. The result depends on nothing but
what goes in (times are those of the files, owners are numeric), so that the same input has the same digest.
"""
import argparse
import hashlib
import io
import json
import os
import sys
import tarfile

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MEDIA = "application/vnd.oci.image."


def arguments():
    command = []
    words = sys.argv[1:]
    if "--" in words:
        at = words.index("--")
        words, command = words[:at], words[at + 1:]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("name")
    parser.add_argument("--rootfs")
    parser.add_argument("--add", action="append", default=[])
    parser.add_argument("--directory", action="append", default=[], help="PATH[:MODE], octal")
    return parser.parse_args(words), command


def layer(options, path):
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        if options.rootfs:
            tar.add(options.rootfs, arcname=".", filter=numeric)
        for entry in options.directory:
            name, _, mode = entry.partition(":")
            info = tarfile.TarInfo(name.lstrip("/"))
            info.type, info.mode = tarfile.DIRTYPE, int(mode or "755", 8)
            tar.addfile(info)
        for entry in options.add:
            source, _, name = entry.partition("=")
            info = tar.gettarinfo(source, arcname=name.lstrip("/"))
            info.mtime = 0
            with open(source, "rb") as content:
                tar.addfile(numeric(info, root=True), content)


def numeric(info, root=False):
    info.uname = info.gname = ""
    if root:
        info.uid = info.gid = 0
    info.mtime = int(info.mtime)
    return info


def digest_of(path):
    with open(path, "rb") as content:
        return "sha256:" + hashlib.file_digest(content, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else slow_digest(content)


def slow_digest(content):
    total = hashlib.sha256()
    while block := content.read(1 << 20):
        total.update(block)
    return "sha256:" + total.hexdigest()


def blob(data):
    return "sha256:" + hashlib.sha256(data).hexdigest(), data


def encode(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def main():
    options, command = arguments()
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
    layer_path = options.out + ".layer"
    layer(options, layer_path)
    layer_digest = digest_of(layer_path)
    config, config_data = blob(encode({
        "architecture": machine, "os": "linux",
        "config": {"Env": ["PATH=" + PATH], "Cmd": command},
        "rootfs": {"type": "layers", "diff_ids": [layer_digest]},
    }))
    manifest, manifest_data = blob(encode({
        "schemaVersion": 2, "mediaType": MEDIA + "manifest.v1+json",
        "config": {"mediaType": MEDIA + "config.v1+json", "digest": config, "size": len(config_data)},
        "layers": [{"mediaType": MEDIA + "layer.v1.tar", "digest": layer_digest, "size": os.path.getsize(layer_path)}],
    }))
    index = encode({
        "schemaVersion": 2,
        "manifests": [{
            "mediaType": MEDIA + "manifest.v1+json", "digest": manifest, "size": len(manifest_data),
            "annotations": {"io.containerd.image.name": options.name, "org.opencontainers.image.ref.name": options.name},
        }],
    })
    with tarfile.open(options.out + ".new", "w") as tar:
        for name, data in (("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), ("index.json", index), (path_of(config), config_data), (path_of(manifest), manifest_data)):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        info = tar.gettarinfo(layer_path, arcname=path_of(layer_digest))
        with open(layer_path, "rb") as content:
            tar.addfile(numeric(info, root=True), content)
    os.unlink(layer_path)
    os.replace(options.out + ".new", options.out)


def path_of(digest):
    return "blobs/" + digest.replace(":", "/")


main()
