"""The sandbox: Render and Vercel in one WSGI app, living through time. `app.py` says how to use it."""
