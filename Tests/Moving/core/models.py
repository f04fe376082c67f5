from django.conf import settings
from django.db import models


class Profile(models.Model):
    """What a school's Django project keeps of a person beside `auth.User`."""
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE)
    phone_number = models.CharField(max_length=32, blank=True)
    role = models.CharField(max_length=16, default="student")
    bio = models.TextField(blank=True)
    avatar = models.ImageField(upload_to="avatars", blank=True) if settings.HAS_PILLOW else \
        models.CharField(max_length=100, blank=True)
