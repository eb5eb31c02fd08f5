"""The reference platform: a year of a grocer's sales, from landing files to marts, in plain PySpark on Delta Lake.

    landing/  text files, one folder a day      (landing.py: real data, with faults put in on purpose)
      └─▶ bronze/  as received                  (bronze.py)
            └─▶ silver/  typed, one row a fact  (silver.py; what is refused goes to silver/quarantine)
                  └─▶ gold/  marts              (gold.py)

Nothing in here knows of hookline: these are jobs as anyone writes them, to be run bare or attached.
"""
