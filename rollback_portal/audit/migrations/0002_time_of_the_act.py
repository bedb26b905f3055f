"""Entries of acts outside the portal: they happened before they were learned and written."""

import django.db.models.functions.comparison
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='auditentry',
            name='happened_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='auditentry',
            name='time',
            field=models.GeneratedField(db_persist=True, expression=django.db.models.functions.comparison.Coalesce('happened_at', 'at'), output_field=models.DateTimeField()),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(fields=['-time', '-id'], name='audit_time'),
        ),
    ]
