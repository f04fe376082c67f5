"""Pages of other origins in a real browser, against a running Homeroom: what they can do, and what they cannot.

    cors.py NONE LAX TRUSTED UNTRUSTED MEDIA-PATH

NONE and LAX are the ports of two services on 127.0.0.1, with HOMEROOM_COOKIE_SAMESITE as they are called; that is another
site than localhost. TRUSTED and UNTRUSTED are the ports of the pages' origins on localhost, of which both services trust
the first. NONE limits requests per address, and has a picture at MEDIA-PATH.
Prints a line a journey; ends with 1 at the first that goes wrong.
"""

import http.client
import http.server
import sys
import threading
import urllib.parse

from selenium import webdriver

NONE, LAX, TRUSTED, UNTRUSTED, PICTURE = sys.argv[1:]
PASSWORD = "seven-Owls-42"

# What the pages have in common: a request as frontends send it, told in what the page could read of its answer.
SCRIPT = """
window.API = new URLSearchParams(location.search).get("api");
window.call = async (method, path, {body, token, ...options} = {}) => {
    const headers = {};
    if (body) headers["Content-Type"] = "application/json";
    if (token) headers["Authorization"] = "Bearer " + token;
    try {
        const answer = await fetch(API + path, {method, headers, body: body && JSON.stringify(body), ...options});
        const text = answer.status == 204 ? "" : await answer.text();
        let json = null;
        try { json = JSON.parse(text); } catch {}
        return {
            type: answer.type, status: answer.status, json,
            id: answer.headers.get("X-Request-Id"), retry: answer.headers.get("Retry-After"),
            hidden: answer.headers.get("Server"),
        };
    } catch (error) {
        return {error: error.name};
    }
};
window.upload = (path, token, bytes) => new Promise(resolve => {
    const request = new XMLHttpRequest();
    const seen = [];
    request.open("PUT", API + path);
    request.setRequestHeader("Authorization", "Bearer " + token);
    request.upload.onprogress = event => seen.push([event.loaded, event.total]);
    request.onload = () => resolve({
        status: request.status, json: JSON.parse(request.responseText), id: request.getResponseHeader("X-Request-Id"),
        seen,
    });
    request.onerror = () => resolve({error: "network", seen});
    const form = new FormData();
    form.append("avatar", new Blob([bytes], {type: "image/png"}), "me.png");
    request.send(form);
});
"""


class Page(http.server.BaseHTTPRequestHandler):
    """Any path of a page's origin."""

    def do_GET(self):
        found = urllib.parse.urlsplit(self.path).path == "/"
        body = f"<!doctype html><title>page</title><script>{SCRIPT}</script>".encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body) if found else 0))
        self.end_headers()
        if found:
            self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def serve(port):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def expect(what, value, expected):
    if value != expected:
        print(f"FAILED: {what}: {value!r}, expected {expected!r}")
        sys.exit(1)


def said(what):
    print(f"ok: {what}", flush=True)


class Browser:
    def __init__(self):
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for argument in ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--no-first-run"]:
            options.add_argument(argument)
        # Cookies of other sites are let in, as HOMEROOM_COOKIE_SAMESITE=none needs them: what a browser does of itself differs.
        options.add_experimental_option("prefs", {"profile.cookie_controls_mode": 0})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
        self.driver.set_script_timeout(20)

    def open(self, port, api=f"http://127.0.0.1:{NONE}"):
        self.driver.get(f"http://localhost:{port}/?api={api}")
        expect("the page's origin", self.run("return location.origin"), f"http://localhost:{port}")

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def call(self, method, path, **options):
        return self.run("return call(...arguments)", method, path, options)

    def log(self):
        return [entry["message"] for entry in self.driver.get_log("browser")]


def register(browser, name):
    body = {"username": name, "email": f"{name}@school.example", "password": PASSWORD, "password_confirm": PASSWORD}
    return browser.call("POST", "/api/v1/auth/register/", body=body)


def tokens(browser):
    """Contract 1 with a token: preflights for JSON, for the token and for PUT, then answers and errors."""
    answer = register(browser, "mei")
    expect("registration", (answer.get("status"), answer.get("type")), (201, "cors"))
    token = answer["json"]["tokens"]["access"]
    expect("the profile", browser.call("GET", "/api/v1/info/", token=token)["json"]["username"], "mei")
    answer = browser.call("PUT", "/api/v1/profile/update/", token=token, body={"bio": "你好"})
    expect("a change", (answer["status"], answer["json"]["user"]["bio"]), (200, "你好"))
    answer = browser.call("GET", "/api/v1/profile/", token="x")
    expect("a bad token", (answer["status"], answer["json"]["code"]), (401, "token_not_valid"))
    expect("its id can be read", len(answer["id"] or ""), 32)
    expect("what is not exposed cannot", answer["hidden"], None)
    answer = browser.call("GET", "/nowhere")
    expect("an unknown path", (answer["status"], answer["json"]), (404, {"detail": "Not found."}))
    answer = browser.call("POST", "/api/v1/auth/register/", body={})
    expect("wrong fields", (answer["status"], answer["json"]["message"]), (400, "注册失败"))
    expect("a path that is not there, asked by preflight", browser.call("PUT", "/nowhere"), {"error": "TypeError"})
    said("contract 1 with a token")
    return token


def other_contracts(browser, token):
    """A token of contract 1 opens what the others show, each in its own shape."""
    for path in ["/api/protected/", "/api/user/me/", "/api/users/me", "/api/v1/auth/me"]:
        expect(path, browser.call("GET", path, token=token).get("status"), 200)
        expect(path, browser.call("GET", path).get("status"), 401)
    answer = browser.call("POST", "/api/account/email/undo/", body={"token": "x"})
    expect("contract 6", (answer["status"], answer["json"]["code"]), (400, "invalid"))
    said("every contract")


def uploads(browser, token):
    """With progress; and the errors of the service and of nginx, which pages would else see as a lost network."""
    picture = """
        const canvas = document.createElement("canvas");
        canvas.width = canvas.height = 700;
        const image = canvas.getContext("2d").createImageData(700, 700);
        for (let i = 0; i < image.data.length; i += 4) {
            image.data.set([Math.random() * 256, Math.random() * 256, Math.random() * 256, 255], i);
        }
        canvas.getContext("2d").putImageData(image, 0, 0);
        const blob = await new Promise(resolve => canvas.toBlob(resolve, "image/png"));
        return upload("/api/v1/profile/update/", arguments[0], blob);
    """
    answer = browser.run(picture, token)
    expect("an upload", answer.get("status"), 200)
    loaded, total = answer["seen"][-1]
    expect("its progress ends with all of it", (loaded == total, total > 1_000_000), (True, True))
    steps = [loaded for loaded, _ in answer["seen"]]
    expect("its progress grows", steps == sorted(steps), True)
    large = "return upload('/api/v1/profile/update/', arguments[0], new Uint8Array(arguments[1]))"
    answer = browser.run(large, token, 5 * 1024 * 1024 + 1)
    expect("a picture that is too large", (answer["status"], list(answer["json"]["errors"])), (400, ["avatar"]))
    answer = browser.run(large, token, 7_000_000)
    expect("413 of nginx", (answer.get("status"), answer.get("json")), (413, {"detail": "Request body is too large."}))
    expect("its id can be read", len(answer["id"] or ""), 32)
    said("uploads")


def pictures(browser):
    read = """
        const image = new Image();
        image.crossOrigin = "use-credentials";
        image.src = API + arguments[0];
        try { await image.decode(); } catch { return "blocked"; }
        const canvas = document.createElement("canvas");
        canvas.width = canvas.height = 1;
        canvas.getContext("2d").drawImage(image, 0, 0);
        return canvas.getContext("2d").getImageData(0, 0, 1, 1).data.length;
    """
    expect("a picture's pixels", browser.run(read, PICTURE), 4)
    expect("a picture that is not there", browser.call("GET", "/media/avatars/x.png")["status"], 404)
    said("pictures")
    return read


def cookie(browser, where):
    """Contract 3 with the cookie."""
    with_cookie = {"credentials": "include"}
    body = {"username": "mei", "password": PASSWORD, "role": "student"}
    expect("nobody yet", browser.call("GET", "/api/user/me/", **with_cookie)["status"], 401)
    answer = browser.call("POST", "/api/user/login/", body=body, **with_cookie)
    expect("sign in", (answer.get("status"), answer.get("type")), (200, "cors"))
    expect("who", browser.call("GET", "/api/user/me/", **with_cookie)["json"].get("username"), "mei")
    expect("without it", browser.call("GET", "/api/user/me/", credentials="omit")["status"], 401)
    for method in ["PUT", "PATCH"]:
        answer = browser.call(method, "/api/user/update/", body={"username": "mei"}, **with_cookie)
        expect(f"{method} with it", answer.get("status"), 200)
    answer = browser.call("POST", "/api/user/change-password/", body={}, **with_cookie)
    expect("POST with it", answer.get("status"), 400)
    expect("the script sees no cookie", browser.run("return document.cookie"), "")
    said(f"contract 3 with the cookie, {where}")


def account(browser):
    """Contract 6 with the same cookie: reading, changing and ending."""
    with_cookie = {"credentials": "include"}
    answer = browser.call("PATCH", "/api/account/", body={"theme": "dark"}, **with_cookie)
    expect("PATCH", (answer.get("status"), (answer.get("json") or {}).get("theme")), (200, "dark"))
    sessions = browser.call("GET", "/api/account/sessions/", **with_cookie)["json"]
    others = [session["id"] for session in sessions if not session["is_current"]]
    expect("sessions besides this one", len(others) > 0, True)
    answer = browser.call("DELETE", f"/api/account/sessions/{others[0]}/", **with_cookie)
    expect("DELETE", answer.get("status"), 204)
    said("contract 6 with the cookie")


def untrusted(browser, read_picture):
    """A page of another port of the same host, in the browser that has the cookie."""
    browser.log()
    for method, path in [("GET", "/api/user/me/"), ("GET", "/api/openapi.json"), ("GET", "/nowhere"), ("GET", PICTURE)]:
        for credentials in ["include", "omit"]:
            answer = browser.call(method, path, credentials=credentials)
            expect(f"{method} {path}, {credentials}", answer, {"error": "TypeError"})
    for method in ["POST", "PUT", "PATCH", "DELETE"]:
        answer = browser.call(method, "/api/user/update/", body={"username": "taken"}, credentials="include")
        expect(f"{method} with the cookie", answer, {"error": "TypeError"})
    messages = [message for message in browser.log() if "blocked by CORS policy" in message]
    expect("the browser's word for it", len(messages) >= 12, True)
    expect("a picture's pixels", browser.run(read_picture, PICTURE), "blocked")
    # What needs no preflight arrives with the cookie, and must be refused there.
    for method, path, body in [("POST", "/api/user/logout/", ""), ("POST", "/api/user/change-password/", "a=b")]:
        send = "return fetch(API + arguments[1], {method: arguments[0], body: new URLSearchParams(arguments[2]), " \
            "mode: 'no-cors', credentials: 'include'}).then(answer => answer.type)"
        expect(f"{method} {path}", browser.run(send, method, path, body), "opaque")
    said("a page of an untrusted origin reads nothing")


def unchanged(browser):
    answer = browser.call("GET", "/api/user/me/", credentials="include")
    expect("still signed in, under the same name", (answer["status"], answer["json"]["username"]), (200, "mei"))
    answer = browser.call("POST", "/api/user/logout/", credentials="include")
    expect("sign out", answer["status"], 200)
    expect("signed out", browser.call("GET", "/api/user/me/", credentials="include")["status"], 401)
    said("and changes nothing")


def limits(browser):
    """429 of nginx, once this address has sent too many logins."""
    connection = http.client.HTTPConnection("127.0.0.1", int(NONE), timeout=20)
    statuses = set()
    for _ in range(1000):
        connection.request("POST", "/api/v1/auth/login/", "{}", {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        statuses.add(answer.status)
        if answer.status == 429:
            break
    expect("too many", 429 in statuses, True)
    # The limit lets twenty a second through again: of several at once some are over it.
    calls = "return Promise.all(Array.from({length: 20}, () => call('POST', '/api/v1/auth/login/', {body: {}})))"
    refused = [answer for answer in browser.run(calls) if answer.get("status") == 429]
    expect("429 of nginx", bool(refused), True)
    text = {"detail": "Too many requests. Try again later."}
    expect("429 of nginx", (refused[0]["json"], refused[0]["retry"]), (text, "1"))
    said("too many requests")


def lax(browser):
    """As it is unless it is set: the cookie comes with pages of the same site, whatever their port, and with no others."""
    browser.open(TRUSTED, f"http://localhost:{LAX}")
    expect("registration", register(browser, "mei").get("status"), 201)
    cookie(browser, "on the same site")
    browser.open(TRUSTED, f"http://127.0.0.1:{LAX}")
    body = {"username": "mei", "password": PASSWORD, "role": "student"}
    answer = browser.call("POST", "/api/user/login/", body=body, credentials="include")
    expect("sign in from another site", answer.get("status"), 200)
    expect("the cookie stays away", browser.call("GET", "/api/user/me/", credentials="include").get("status"), 401)
    said("lax keeps the cookie from other sites")


def main():
    serve(TRUSTED)
    serve(UNTRUSTED)
    browser = Browser()
    try:
        browser.open(TRUSTED)
        token = tokens(browser)
        other_contracts(browser, token)
        uploads(browser, token)
        read_picture = pictures(browser)
        cookie(browser, "on another site")
        account(browser)
        browser.open(UNTRUSTED)
        untrusted(browser, read_picture)
        browser.open(TRUSTED)
        unchanged(browser)
        limits(browser)
        lax(browser)
    finally:
        browser.driver.quit()


if __name__ == "__main__":
    main()
