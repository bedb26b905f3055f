"""When each person was last at a page: break-glass is not offered while somebody else could approve."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='last_seen_at',
            field=models.DateTimeField(blank=True, help_text='When they last used a page, to the minute.', null=True),
        ),
    ]
