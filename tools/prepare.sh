# SPDX-License-Identifier: Apache-2.0
# What ./run and ./test share: installing packages and configuring a build. Sourced by bash, from the repository root.

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 1; }

# packages_of SECTION...: the names that packages.txt lists there.
packages_of() {
  awk -v wanted=" $* " '/^\[/ { gsub(/[][]/, ""); on = index(wanted, " " $1 " "); next }
                        { sub(/#.*/, "") } on && NF { print $1 }' packages.txt
}

# install_packages SECTION...: installs those of Debian's packages that are missing; asks the mirror only then.
install_packages() {
  local package missing=() as_root=()
  if ! command -v dpkg-query > /dev/null || ! command -v apt-get > /dev/null; then
    say "this is no Debian system: going on with what is installed (packages.txt says what is needed)"
    return
  fi
  for package in $(packages_of "$@"); do
    [[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2> /dev/null)" == installed* ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  if [[ "$(id -u)" != 0 ]]; then
    command -v sudo > /dev/null || die "missing packages, and neither root nor sudo to install them; as root run:
  apt-get install --no-install-recommends ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing ${#missing[@]} packages: ${missing[*]}"
  mkdir -p build
  as_root+=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -q)
  { "${as_root[@]}" update && "${as_root[@]}" install -y --no-install-recommends "${missing[@]}"; } \
    > build/packages.log 2>&1 < /dev/null || { tail -n 15 build/packages.log >&2; die "installing failed (build/packages.log)"; }
}

# configure PRESET [OPTION...]: configures build/PRESET; a tree that belongs to another place is made anew.
configure() {
  local preset=$1 cache="build/$1/CMakeCache.txt" launcher=()
  shift
  if [[ -f "$cache" ]] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$cache"; then
    rm -rf "build/$preset"
  fi
  command -v ccache > /dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  cmake --preset "$preset" "${launcher[@]}" "$@"
}
