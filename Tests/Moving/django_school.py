"""A school's Django project with accounts of all of Django's hashers, as another system to move from.

    django_school.py FOLDER COUNT [SOCKET DATABASE USER]

Writes FOLDER/dump.json (dumpdata), FOLDER/db.sqlite3 or the tables of that database, pictures below FOLDER/media, and
FOLDER/people.json: the username and password of each. Every tenth hash has the costs that Django has; the others cost less,
so that a thousand do not take an hour."""
import base64, json, os, sys

folder, count, database = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import django
from django.conf import settings
from django.contrib.auth import hashers
from django.core.management import call_command

if database:
    import pymysql
    pymysql.version_info = (2, 2, 1, "final", 0)  # what Django asks of mysqlclient
    pymysql.install_as_MySQLdb()
    store = {"ENGINE": "django.db.backends.mysql", "NAME": database[1], "USER": database[2],
             "OPTIONS": {"unix_socket": database[0], "charset": "utf8mb4"}}
else:
    store = {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{folder}/db.sqlite3"}

ALL = ["PBKDF2PasswordHasher", "PBKDF2SHA1PasswordHasher", "Argon2PasswordHasher", "BCryptSHA256PasswordHasher",
       "BCryptPasswordHasher", "ScryptPasswordHasher"]
settings.configure(
    DATABASES={"default": store}, INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes",
                                                  "django.contrib.sessions", "core"],
    PASSWORD_HASHERS=[f"django.contrib.auth.hashers.{name}" for name in ALL], USE_TZ=True, MEDIA_ROOT=f"{folder}/media",
    SECRET_KEY="not secret", DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", HAS_PILLOW=False)
django.setup()
from django.contrib.auth.models import Group, User
from django.utils import timezone
from core.models import Profile

# A red pixel.
PICTURE = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC")
CHEAP = {"iterations": 1000, "rounds": 4, "memory_cost": 64, "work_factor": 1024}


def hashed(password, number):
    hasher = hashers.get_hashers()[number % len(ALL)]
    if number // len(ALL) % 10:
        for name, cost in CHEAP.items():
            if hasattr(type(hasher), name):
                setattr(hasher, name, cost)
    encoded = hasher.encode(password, hasher.salt())
    for name in CHEAP:
        hasher.__dict__.pop(name, None)
    return encoded


# Apps without migrations come second: their keys point to tables of those with.
call_command("migrate", verbosity=0)
call_command("migrate", run_syncdb=True, verbosity=0)
group, _ = Group.objects.get_or_create(name="class 3b")
people = []
for number in range(count):
    name, password = f"pupil{number}", f"Kite-{number}-绿色"
    user = User.objects.create(
        username=name, email=f"{name}@school.example", first_name="伟", last_name="李", password=hashed(password, number),
        is_staff=number % 50 == 0, is_active=number % 97 != 96, last_login=timezone.now() if number % 2 else None)
    user.groups.add(group)
    picture = ""
    if number % 100 == 0:
        picture = f"avatars/{name}.png"
        os.makedirs(f"{folder}/media/avatars", exist_ok=True)
        with open(f"{folder}/media/{picture}", "wb") as file:
            file.write(PICTURE)
    Profile.objects.create(user=user, phone_number=f"138{number:08}", role="teacher" if number % 50 == 0 else "student",
                           bio="一行\n二行", avatar=picture)
    people.append({"username": name, "password": password, "is_active": user.is_active, "has_avatar": picture != ""})
call_command("dumpdata", output=f"{folder}/dump.json", verbosity=0)
with open(f"{folder}/people.json", "w") as file:
    json.dump(people, file)
