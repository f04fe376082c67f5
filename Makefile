# make packages   what is missing of Debian 12's packages (make test-packages: also of those for tests)
# make build      .build/release/homeroom
# make run        all of it on this machine, at http://127.0.0.1:8000; Ctrl-C stops it. Options: make run ARGS="--port 9000"
# make test       all tests; ends with an error when one fails
# make bench-avatars   uploads a second beside what libvips alone does
# make format     the sources as `swift format` wants them
# make clean      removes what the compiler has made (.homeroom, with the data, stays)

SWIFT := $(shell command -v swift 2>/dev/null || echo /opt/swift/usr/bin/swift)
MAKEFLAGS += --no-print-directory

# The C libraries that homeroom links to.
PACKAGES := libfcgi-dev libmariadb-dev libssl-dev libargon2-dev libcurl4-openssl-dev libvips-dev
# The programs that `homeroom dev` and the tests start.
PACKAGES += nginx mariadb-server-core mariadb-client-core openssl curl
# What the Swift toolchain itself runs on, and what it links with.
PACKAGES += binutils g++ git libncurses6 libsqlite3-0 libxml2 pkg-config tzdata
# What only the tests start: a mail server, and what kills a worker at a chosen step.
TEST_PACKAGES := python3-aiosmtpd strace

.PHONY: packages test-packages build run test bench-avatars format clean

build: packages
	$(SWIFT) build -c release --product homeroom

run: build
	exec .build/release/homeroom dev $(ARGS)

test: test-packages
	$(SWIFT) test

bench-avatars: build test-packages
	Tests/Bench/avatars .build/release/homeroom

format:
	$(SWIFT) format --in-place --recursive --parallel --configuration .swift-format Package.swift Sources Tests

clean:
	$(SWIFT) package clean

test-packages: PACKAGES += $(TEST_PACKAGES)
packages test-packages:
	@PACKAGES='$(PACKAGES)' GOAL='$@' MAKE='$(MAKE)' sh -c "$$INSTALL"

# Installs as root, or through sudo, or says what to do. Silent when nothing is missing.
define INSTALL
set -eu
command -v dpkg-query >/dev/null || { echo "packages: not Debian, these are needed: $$PACKAGES" >&2; exit 0; }
there=" $$(dpkg-query -W -f '$${db:Status-Status}:$${Package} ' $$PACKAGES 2>/dev/null || true)"
missing=
for package in $$PACKAGES; do
    case "$$there" in *" installed:$$package "*) ;; *) missing="$$missing $$package" ;; esac
done
[ -n "$$missing" ] || exit 0

if [ "$$(id -u)" != 0 ]; then
    command="make -C '$$PWD' $$GOAL"
    [ -t 0 ] && sudo=sudo || sudo="sudo -n"
    if command -v sudo >/dev/null; then
        echo "packages: missing$$missing; installing them with sudo"
        $$sudo $$MAKE $$GOAL && exit 0
    fi
    echo "packages: missing$$missing. Install them as root: su -c \"$$command\"" >&2
    exit 1
fi

echo "packages: installing$$missing"
export DEBIAN_FRONTEND=noninteractive

# Debian starts a server when it is installed, and at each boot; these are for homeroom dev, which starts its own.
policy=/usr/sbin/policy-rc.d
if [ ! -e $$policy ]; then
    trap 'rm -f $$policy' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' > $$policy
    chmod 755 $$policy
fi

install() { apt-get install -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 "$$@" $$missing </dev/null >/dev/null; }
install -s 2>/dev/null || apt-get update -qq
install || { apt-get update -qq && install; }
case "$$missing " in
    *" nginx "*) systemctl disable --quiet nginx.service 2>/dev/null || true ;;
esac
endef
export INSTALL
