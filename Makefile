# make packages   what is missing of Debian 12's packages (make test-packages: also of those for tests)
# make node-packages   what `homeroom dev --nodes 3` needs besides
# make build      .build/release/homeroom
# make run        all of it on this machine, at http://127.0.0.1:8000; Ctrl-C stops it. Options: make run ARGS="--port 9000"
# make lint       format of the sources, links and commands of the documents; ends with an error when something is off
# make unit       the tests that need no server: within a minute after the build
# make test       all tests; ends with an error when one fails
# make screenshots   pictures of the pages, into docs/screenshots
# make python     what tests need of PyPI, into .build/python
# make bench      how fast it is beside what it competes with, in some minutes; ends with an error when it is too slow
# make bench-avatars   uploads a second beside what libvips alone does
# make bench-import   accounts a second beside LOAD DATA; ROWS=1000000 for more of them
# make test-moving   moves schools of Django and FastAPI over, 1,000 people each, and signs in everybody
# make fuzz       every parser of strangers' bytes in turn, FUZZ_SECONDS=20 each, with libFuzzer; keeps what reaches new code
# make test-cluster  three machines over one Galera cluster, for ten minutes of faults; CLUSTER_SECONDS=3600 is longer
# make soak       an hour of mixed load; SOAK_SECONDS=600 is shorter
# make sanitize   tests with SANITIZER=thread or address; ARGS="--filter SystemTests.LoadTests" for some of them
# make install    homeroom, its systemd units and nginx files, below PREFIX=/usr/local; packagers also set DESTDIR
# make deb        .build/homeroom_VERSION_amd64.deb, which installs and sets up everything: apt install ./homeroom_….deb
# make test-deb   that package in a fresh Debian, in some minutes: installed, upgraded under load, removed, purged
# make uninstall  removes them; settings, accounts and pictures stay
# make static     only builds what `install` installs: an executable that needs no Swift where it runs
# make format     the sources as `swift format` wants them
# make clean      removes what the compiler has made (.homeroom, with the data, stays)

SWIFT := $(shell command -v swift 2>/dev/null || echo /opt/swift/usr/bin/swift)
MAKEFLAGS += --no-print-directory

PREFIX := /usr/local
DEST = $(DESTDIR)$(PREFIX)
VERSION = $(shell sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog)
ARCHITECTURE = $(shell dpkg --print-architecture)
STATIC := .build/static/release/homeroom
# Unless a packager does that.
STRIP := -s
MANUAL := .build/man
UNITS := homeroom.service homeroom.socket homeroom-backup.service homeroom-backup.timer
SHARED := sql/users.sql $(shell find nginx -type f ! -name development.conf)

# The C libraries that homeroom links to.
PACKAGES := libfcgi-dev libmariadb-dev libssl-dev libargon2-dev libcurl4-openssl-dev libidn2-dev libvips-dev libsqlite3-dev
PACKAGES += libjpeg62-turbo-dev liblcms2-dev
# The programs that `homeroom dev` and the tests start.
PACKAGES += nginx mariadb-server-core mariadb-client-core openssl curl
# What the Swift toolchain itself runs on, and what it links with.
PACKAGES += binutils g++ git libncurses6 libsqlite3-0 libxml2 pkg-config tzdata
# What writes the manual pages.
PACKAGES += python3
# What several databases of `homeroom dev --nodes 3` need: with it come galera-4 and rsync.
NODE_PACKAGES := mariadb-server
# What only the tests start: a mail server, what kills a worker at a chosen step, what loads it, promtool, which reads
# metrics, what reads units and hands over a socket, frontends' axios, and a browser.
TEST_PACKAGES := python3-aiosmtpd strace python3 wrk prometheus systemd socat unzip
TEST_PACKAGES += python3-venv $(NODE_PACKAGES)
TEST_PACKAGES += nodejs node-axios node-form-data
# The browser for the pages, and a font that has Chinese.
TEST_PACKAGES += chromium chromium-driver fonts-wqy-microhei
# What reads the manual pages.
TEST_PACKAGES += mandoc man-db
# A cluster in network namespaces: Galera's nodes with their state transfers, what makes the namespaces, also for users
# who are not root, and the load balancer.
TEST_PACKAGES += galera-4 mariadb-server mariadb-backup iproute2 uidmap haproxy
# What makes the Debian package, and what its test makes a Debian with.
DEB_PACKAGES := debhelper dpkg-dev lintian
TEST_DEB_PACKAGES := debootstrap systemd curl

fuzz: test-packages
	FUZZ=1 $(SWIFT) build -c release --product fuzz --scratch-path .build/fuzz \
	    -Xswiftc -sanitize=fuzzer,address -Xswiftc -parse-as-library -Xswiftc -use-ld=lld
	Tests/Fuzz/run .build/fuzz/release/fuzz

.PHONY: fuzz packages test-packages node-packages build run lint unit test test-cluster test-moving bench bench-avatars bench-import soak sanitize static deb test-deb install uninstall format clean python screenshots

build: packages
	$(SWIFT) build -c release --product homeroom

run: build
	exec .build/release/homeroom dev $(ARGS)

lint: test-packages
	.ci/lint

# Neither MariaDB nor nginx: by target, and of the targets that mostly need one by suite.
UNIT_TESTS := PlatformTests JSONTests FastCGITests HTTPTests SecretsTests MailTests PicturesTests FuzzTests ServerTests
UNIT_TESTS += DatabaseTests.DatabaseErrorTests AccountsTests.AccountPermitsTests AccountsTests.CanonicalNameTests
UNIT_TESTS += AccountsTests.SharedSemaphoreTests AccountsTests.EmailAddressTests AccountsTests.PasswordRulesTests
UNIT_TESTS += ContractsTests.TimesTests
unit: test-packages
	$(SWIFT) test $(UNIT_TESTS:%=--filter '^%\.') $(ARGS)

# What tests need of PyPI, in an environment of its own.
python: .build/python/made
.build/python/made: Tests/requirements.txt
	@echo "python: installing what the tests need of PyPI into .build/python"
	rm -rf .build/python
	python3 -m venv .build/python
	.build/python/bin/pip install --quiet --disable-pip-version-check -r Tests/requirements.txt
	@touch $@

# What failed stands again at the end, where whoever reads a long log looks first.
test: test-packages python
	@mkdir -p .build
	{ $(SWIFT) test $(ARGS); echo $$? > .build/test.status; } 2>&1 | tee .build/test.log
	@if [ "$$(cat .build/test.status)" != 0 ]; then grep -a -E '^✘|error:' .build/test.log; exit 1; fi

test-cluster: build test-packages
	Tests/Cluster/cluster .build/release/homeroom $(ARGS)

bench: build test-packages
	Tests/Bench/bench .build/release/homeroom $(ARGS)

bench-avatars: build test-packages
	Tests/Bench/avatars .build/release/homeroom

bench-import: build test-packages
	Tests/Bench/import .build/release/homeroom $(ROWS)

test-moving: build test-packages python
	Tests/Moving/moving .build/release/homeroom $(ARGS)

screenshots: build test-packages python
	.build/python/bin/python Tests/Browser/screenshots .build/release/homeroom

soak: build test-packages
	Tests/Bench/soak .build/release/homeroom $(ARGS)

# Without the tests of memory and limits, of which a sanitizer takes its own share, and of how decoders of pictures end:
# those cannot look for leaks then, confined as they are.
UNSANITIZED := --skip "memory, files, CPU" --skip "memory does not grow" --skip "connections on the socket cost" \
    --skip "after its share of pictures" --skip "no mutation of a picture"
sanitize: SANITIZER := thread
sanitize: SANITIZED = .build/$(SANITIZER)
sanitize: SANITIZING = --sanitize=$(SANITIZER) --scratch-path $(SANITIZED) -Xswiftc -DSANITIZED
sanitize: test-packages
	$(SWIFT) build --build-tests $(SANITIZING)
	$(dir $(realpath $(SWIFT)))clang -shared -fPIC -O2 Tests/Sanitizers/mutex.c -o $(SANITIZED)/mutex.so
	TSAN_OPTIONS=report_thread_leaks=0 ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0 LD_PRELOAD=$(CURDIR)/$(SANITIZED)/mutex.so \
	    $(SWIFT) test --skip-build $(SANITIZING) $(UNSANITIZED) $(ARGS)

static: $(STATIC) $(MANUAL)/homeroom.1

# Apart from other builds, and not again for root's `make install`, to whom the compiler's files would then belong. It names
# no folder of this machine, so that the same sources make the same bytes in any.
MAPPED = -file-prefix-map -Xswiftc $(CURDIR)=/homeroom -Xswiftc -file-compilation-dir -Xswiftc /homeroom
$(STATIC): Package.swift $(shell find Sources sql -type f)
	@$(MAKE) packages
	$(SWIFT) build -c release --product homeroom --static-swift-stdlib --scratch-path .build/static -Xswiftc $(MAPPED)
	@touch $@

$(MANUAL)/homeroom.1: docs/man/write docs/operating.md debian/changelog Sources/homeroom/Main.swift
	docs/man/write $(MANUAL)

# All that is no source lies in .build: what the package is made of, and itself.
deb: $(STATIC) $(MANUAL)/homeroom.1
	@$(MAKE) deb-packages
	dpkg-checkbuilddeps
	+DEB_FOLDER=.build debian/rules clean binary
	lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs .build/homeroom_$(VERSION)_$(ARCHITECTURE).deb
	@echo "made .build/homeroom_$(VERSION)_$(ARCHITECTURE).deb"

test-deb: deb test-packages
	@$(MAKE) test-deb-packages
	Tests/Package/package .build/homeroom_$(VERSION)_$(ARCHITECTURE).deb $(ARGS)

# The service may start its executable at any moment, so the new one takes the old one's place in one step. The old one is
# kept for the way back.
install: $(STATIC) $(MANUAL)/homeroom.1
	install -D $(STRIP) -m 755 $(STATIC) '$(DEST)/bin/homeroom.new'
	! cmp -s '$(DEST)/bin/homeroom' '$(DEST)/bin/homeroom.new' || rm '$(DEST)/bin/homeroom.new'
	[ ! -e '$(DEST)/bin/homeroom' ] || [ ! -e '$(DEST)/bin/homeroom.new' ] || \
	    cp -p '$(DEST)/bin/homeroom' '$(DEST)/bin/homeroom.before'
	[ ! -e '$(DEST)/bin/homeroom.new' ] || mv -f '$(DEST)/bin/homeroom.new' '$(DEST)/bin/homeroom'
	for page in homeroom.1 homeroom.conf.5; do \
	    install -D -m 644 $(MANUAL)/$$page '$(DEST)/share/man/man'$${page##*.}/$$page || exit; done
	install -D -m 644 $(MANUAL)/homeroom.bash '$(DEST)/share/bash-completion/completions/homeroom'
	install -D -m 644 $(MANUAL)/homeroom.fish '$(DEST)/share/fish/vendor_completions.d/homeroom.fish'
	for unit in $(UNITS); do sed 's|/usr/local/bin/|$(PREFIX)/bin/|' systemd/$$unit | \
	    install -D -m 644 /dev/stdin '$(DEST)/lib/systemd/system/'$$unit || exit; done
	install -D -m 644 systemd/sysusers.d/homeroom.conf '$(DEST)/lib/sysusers.d/homeroom.conf'
	install -D -m 644 systemd/tmpfiles.d/homeroom.conf '$(DEST)/lib/tmpfiles.d/homeroom.conf'
	for file in $(SHARED); do install -D -m 644 $$file '$(DEST)/share/homeroom/'$$file || exit; done
	install -m 644 systemd/homeroom.conf '$(DEST)/share/homeroom/homeroom.conf'

uninstall:
	rm -f '$(DEST)/bin/homeroom' '$(DEST)/bin/homeroom.before' $(UNITS:%='$(DEST)/lib/systemd/system/%')
	rm -f '$(DEST)/lib/sysusers.d/homeroom.conf' '$(DEST)/lib/tmpfiles.d/homeroom.conf'
	rm -f '$(DEST)/share/man/man1/homeroom.1' '$(DEST)/share/man/man5/homeroom.conf.5'
	rm -f '$(DEST)/share/bash-completion/completions/homeroom' '$(DEST)/share/fish/vendor_completions.d/homeroom.fish'
	rm -rf '$(DEST)/share/homeroom'

format:
	$(SWIFT) format --in-place --recursive --parallel --configuration .swift-format Package.swift Sources Tests

clean:
	$(SWIFT) package clean

test-packages: PACKAGES += $(TEST_PACKAGES)
node-packages: PACKAGES += $(NODE_PACKAGES)
deb-packages: PACKAGES += $(DEB_PACKAGES)
test-deb-packages: PACKAGES += $(TEST_DEB_PACKAGES)
packages test-packages node-packages deb-packages test-deb-packages:
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
for server in nginx prometheus mariadb haproxy; do
    case "$$missing " in
        *" $$server "* | *" $$server-server "*) systemctl disable --quiet $$server.service 2>/dev/null || true ;;
    esac
done
endef
export INSTALL
