#!/usr/bin/env bash
# Run the platform of this checkout on embedded defaults, as `make platform` does. Everything is kept in .octo/platform.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export PATH="$PWD/.venv/bin:$PATH" OCTO_PLATFORM_FOLDER="${OCTO_PLATFORM_FOLDER:-.octo/platform}"
url=http://127.0.0.1:${OCTO_PLATFORM_PORT:-8321}

cat <<TEXT

Try, in another terminal, once you are its administrator:

  export PATH="$PWD/.venv/bin:\$PATH"
  octo login $url
  octo deploy samples/http-orders.yaml --to shop/dev --create

docs/platform.md does the same with curl, and goes on.

TEXT
exec octo platform
