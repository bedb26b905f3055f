"""Sign-in and sign-out URLs. No other page of allauth exists: there is no mail and no signing up."""

from allauth.account import views
from django.urls import path

from rollback_portal.accounts.views import SignIn

urlpatterns = [
    path("login/", SignIn.as_view(), name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("signup/", views.signup, name="account_signup"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("password/change/", views.password_change, name="account_change_password"),
]
