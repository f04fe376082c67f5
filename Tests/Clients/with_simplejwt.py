"""Another service in Django REST framework, which takes the access tokens with SimpleJWT's stateless authentication.

It has no table of users and asks nobody: the token says who somebody is, and in which role."""
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
import requests
from django.conf import settings
from django.core.wsgi import get_wsgi_application

from service import KEY, Person, bearer, documented, expired, fact, new_name, signed, tell, url

# As docs/frontends.md has it.
documented_settings = {"key": KEY}
exec(documented("SIMPLE_JWT"), documented_settings)

settings.configure(
    DEBUG=False,
    SECRET_KEY=new_name(),
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    # SimpleJWT imports their models; there is no database to keep any in.
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rest_framework"],
    REST_FRAMEWORK={
        **documented_settings["REST_FRAMEWORK"],
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    },
    SIMPLE_JWT=documented_settings["SIMPLE_JWT"],
)
django.setup()

from django.urls import path  # noqa: E402: needs the settings
from rest_framework.permissions import BasePermission  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402


class IsTeacher(BasePermission):
    def has_permission(self, request, view):
        return request.auth["role"] == "teacher"


class Timetable(APIView):
    def get(self, request):
        return Response({"user": request.user.id, "role": request.auth["role"]})


class Marks(APIView):
    permission_classes = [*APIView.permission_classes, IsTeacher]

    def get(self, request):
        return Response([])


urlpatterns = [path("timetable/", Timetable.as_view()), path("marks/", Marks.as_view())]


class QuietHandler(WSGIRequestHandler):
    def log_message(self, format, *arguments):
        pass


other = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=QuietHandler)
threading.Thread(target=other.serve_forever, daemon=True).start()


def get(page, token=None):
    return requests.get(f"http://127.0.0.1:{other.server_port}/{page}/", headers=bearer(token) if token else {})


@fact("an access token of each contract is accepted")
def _():
    person = Person()

    for contract in (1, 2, 4, 5):
        answer = get("timetable", person.access_token(contract))

        assert answer.status_code == 200, (contract, answer.text)
        assert answer.json() == {"user": person.id, "role": "student"}


@fact("its role decides what it opens")
def _():
    assert get("marks", Person().access).status_code == 403


@fact("no token is refused")
def _():
    assert get("timetable").status_code == 401


@fact("a refresh token is refused")
def _():
    answer = get("timetable", Person().refresh)

    assert answer.status_code == 401
    assert answer.json()["code"] == "token_not_valid"
    assert answer.json()["messages"][0]["message"] == "Token has wrong type"


@fact("an expired token is refused")
def _():
    answer = get("timetable", expired(Person().access))

    assert answer.status_code == 401
    assert answer.json()["messages"][0]["message"] == "Token is expired"


@fact("a token signed with another key is refused")
def _():
    person = Person()
    claims = {"token_type": "access", "exp": 4_000_000_000, "iat": 1, "jti": "1", "user_id": person.id,
              "iss": "homeroom"}

    answer = get("timetable", signed(claims, "0123456789abcdef0123456789abcdef"))

    assert answer.status_code == 401
    assert answer.json()["messages"][0]["message"] == "Token is invalid"
    assert get("timetable", signed({**claims, "role": "student"})).status_code == 200


@fact("a token of another issuer is refused")
def _():
    claims = {"token_type": "access", "exp": 4_000_000_000, "iat": 1, "jti": "1", "user_id": 1, "iss": "elsewhere"}

    assert get("timetable", signed(claims)).status_code == 401


@fact("after the logout it still takes the token, which the service itself does not")
def _():
    person = Person()
    requests.post(url("/api/v1/auth/logout/"), json={"refresh": person.refresh},
                  headers=bearer(person.access)).raise_for_status()

    assert requests.get(url("/api/v1/info/"), headers=bearer(person.access)).status_code == 401
    assert get("timetable", person.access).status_code == 200


tell()
