from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    """A table beside the others: the version before does not know it and misses nothing."""

    dependencies = [("dbtools", "0003_binding")]

    operations = [
        migrations.CreateModel(
            name="RecordedState",
            fields=[
                ("fingerprint", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("major", models.PositiveSmallIntegerField(help_text="Major version of the server.")),
                ("parts", models.JSONField(default=dict, help_text="Kind, name, definition of each part, and the part it stands beside.")),
                ("unfollowed", models.JSONField(default=list, help_text="What may take part and cannot be looked into.")),
                ("recorded_at", models.DateTimeField(db_default=Now())),
            ],
        ),
    ]
