#!/bin/sh
# Writes the stubs of every proto into the folder named by $1 (clients, unless a test wants them elsewhere).
# The generator is the oldest that the clients support, in an environment of its own: see requirements.in.
set -eu
cd "$(dirname "$0")/../.."
out=${1:-clients}
python=${PROTOC_PYTHON:-.tools/protoc/bin/python}
PATH="$(dirname "$python"):$PATH"
export PATH
"$python" -m grpc_tools.protoc -I protos --python_out="$out" --mypy_out="quiet:$out" \
  $(find protos -name '*.proto' | sort)
"$python" -m grpc_tools.protoc -I protos --grpc_python_out="$out" --mypy_grpc_out="quiet:$out" \
  $(find protos -name '*_service.proto' | sort)
