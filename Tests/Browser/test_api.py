"""The module that frontends copy, with tokens and with the errors of all contracts."""
from browser import PASSWORD, Person

WITH_CLIENT = """const done = arguments[arguments.length - 1];
const given = arguments;
import("/pages/api.js").then(async ({ Client, Refused }) => {
%s
}).catch((error) => done(`${error.name}: ${error.message} ${error.stack}`));
"""


def run(browser, script, *arguments):
    browser.open("/")
    return browser.driver.execute_async_script(WITH_CLIENT % script, *arguments)


def test_tokens_are_renewed_once_for_many_calls(browser):
    person = Person()
    browser.refusal(401, "/api/account/")
    ids, renewals, changed = run(browser, """
        const guest = new Client();
        const { body } = await guest.send("POST", "/api/v1/auth/login/", { username: given[0], password: given[1] });
        const tokens = { ...body.tokens };
        const old = tokens.refresh;
        tokens.access = tokens.access.slice(0, -8) + "AAAAAAAA";
        const client = new Client({ tokens });
        const answers = await Promise.all(Array.from({ length: 8 }, () => client.send("GET", "/api/account/")));
        const renewals = performance.getEntriesByType("resource").filter((entry) => entry.name.includes("/token/refresh/"));
        done([answers.map((answer) => answer.body.username), renewals.length, tokens.refresh !== old]);
        """, person.username, PASSWORD)

    assert ids == [person.username] * 8
    assert (renewals, changed) == (1, True)


def test_the_errors_of_all_contracts_have_one_shape(browser):
    for status, path in [(400, "register"), (422, "/api/users/register"), (400, "/api/account/email/undo/")]:
        browser.refusal(status, path)
    found = run(browser, """
        const client = new Client();
        const found = {};
        for (const path of ["/api/v1/auth/register/", "/api/auth/register/", "/api/user/register/", "/api/users/register",
                            "/api/v1/auth/register"]) {
          await client.send("POST", path, { email: "nobody" }).catch((error) => {
            if (!(error instanceof Refused)) throw error;
            found[path] = [error.status, typeof error.fields.email?.[0], error.request.length];
          });
        }
        await client.send("POST", "/api/account/email/undo/", { token: "x" }).catch((error) => {
          found.account = [error.status, typeof error.fields.token?.[0], error.request.length];
        });
        done(found);
        """)

    assert found == {
        "/api/v1/auth/register/": [400, "string", 32], "/api/auth/register/": [400, "string", 32],
        "/api/user/register/": [400, "string", 32], "/api/users/register": [422, "string", 32],
        "/api/v1/auth/register": [400, "string", 32], "account": [400, "string", 32],
    }
