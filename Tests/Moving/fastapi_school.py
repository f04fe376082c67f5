"""The database of contract 4's system, with accounts of passlib's hashes, as another system to move from.

    fastapi_school.py FOLDER COUNT

Writes FOLDER/users.db, with `users` and `user_info` as document 4 has them, and FOLDER/people.json: the email and password of
each."""
import json, sqlite3, sys
from passlib.hash import argon2, bcrypt, bcrypt_sha256, pbkdf2_sha256

folder, count = sys.argv[1], int(sys.argv[2])
HASHERS = [argon2.using(type="I", memory_cost=1024, rounds=2), argon2.using(type="ID", memory_cost=1024, rounds=2),
           bcrypt.using(rounds=4), bcrypt_sha256.using(rounds=4), pbkdf2_sha256.using(rounds=1000), argon2.using(type="I")]
people = []
with sqlite3.connect(f"{folder}/users.db") as database:
    database.executescript("""
        CREATE TABLE users (id INTEGER PRIMARY KEY, email VARCHAR UNIQUE NOT NULL, hashed_password VARCHAR NOT NULL,
            disabled BOOLEAN DEFAULT FALSE);
        CREATE TABLE user_info (id INTEGER PRIMARY KEY, user_id INTEGER UNIQUE REFERENCES users (id), first_name VARCHAR,
            last_name VARCHAR, phone_number VARCHAR);
    """)
    for number in range(1, count + 1):
        # The last number of a hasher has passlib's own costs.
        hasher = HASHERS[number % (len(HASHERS) - 1)] if number % 50 else HASHERS[-1]
        email, password = f"person{number}@school.example", f"Owl-{number}-猫"
        database.execute("INSERT INTO users VALUES (?, ?, ?, ?)", (number, email, hasher.hash(password), number % 97 == 0))
        database.execute("INSERT INTO user_info VALUES (?, ?, ?, ?, ?)", (number, number, "伟", "李", f"138{number:08}"))
        people.append({"email": email, "password": password, "is_active": number % 97 != 0})
with open(f"{folder}/people.json", "w") as file:
    json.dump(people, file)
