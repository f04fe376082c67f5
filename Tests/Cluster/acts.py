"""What people do, and how often of a hundred."""
from passwords import change_password, forget_password, reset_password
from reading import read
from registering import enrol, race
from signing import refresh, sign_in, sign_out
from writing import upload, write

ACTS = {
    read: 42, write: 22, sign_in: 7, sign_out: 4, refresh: 3, change_password: 2, enrol: 2, reset_password: 2,
    upload: 1.5, forget_password: 1, race: 0.5,
}
